"""A result in the formats that other programs read; each module renders one of them."""
