"""A laboratory for optimizers: one YAML file asks, one offline page answers."""
