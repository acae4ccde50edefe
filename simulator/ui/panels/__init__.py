"""Parts of a page that are large or that several pages share."""
