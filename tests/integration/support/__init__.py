"""What the integration tests share: the real server as a process, a KServe v2 client, golden data."""
