"""Schemas: both interfaces as typed views, values of their types, WSDL and XSD documents."""
