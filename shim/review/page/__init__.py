"""The review page: site, log-in, pages, forms and downloads."""
