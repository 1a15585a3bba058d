"""How a person looks: a live page in the browser, drawn coarse to fine, that knows of fields only what it is handed."""

from .subject import DisplaySettings, Picture, Subject

__all__ = ["DisplaySettings", "Picture", "Subject"]
