"""What leaves the program: camera paths, pictures, videos."""
