"""Bills of providers: reading their exports, and keeping them in raw."""
