"""What light a mesh would give: meshes in, posed pictures out."""
