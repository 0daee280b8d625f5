"""Archives of the known corpora: downloaded, verified and unpacked."""
