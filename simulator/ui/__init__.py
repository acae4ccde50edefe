"""What a person sees and touches: the app, its widgets, panels and charts."""
