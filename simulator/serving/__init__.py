"""The app put together and served: the entry script with its list of pages, the web server, the command `serve`."""
