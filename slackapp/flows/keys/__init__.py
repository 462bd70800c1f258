"""Keys of tenants: confirmed, opened, rotated, replaced, withheld."""
