"""The known corpora, which can be downloaded: one module each, a literal alone."""
