"""What tests share: judges, message makers and drivers, all apart from the code that they test."""
