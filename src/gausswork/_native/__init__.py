"""C sources of the optional compiled kernels, and the extension built from them."""
