"""The old PBX service."""
