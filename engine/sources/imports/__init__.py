"""How a file of prices or signals is understood before it is stored."""
