"""The company's directory: how it is asked, and what its answers mean."""
