"""What the tests share: the cast, their browsers and clients, real servers and a real browser."""
