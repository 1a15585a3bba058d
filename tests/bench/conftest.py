"""What is measured here is trained and looked at as the verbs' tests do."""

from ..datasets.conftest import photographs as photographs
from ..scripts.conftest import ball_file as ball_file
from ..scripts.conftest import lego as lego
