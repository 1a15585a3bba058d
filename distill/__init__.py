"""How one field becomes another: progressive volume distillation."""
