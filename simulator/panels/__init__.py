"""Parts of the screen that several features share: a design's choices, its verdict, its day, its levers, a case's picture."""
