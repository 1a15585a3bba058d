"""What the numbers among the flags may be. Quick to import, as flags are."""

FEWEST_SECONDS, MOST_SECONDS = 0.1, 10**9
MOST_STEPS = 10**12
SMALLEST_SIDE, LARGEST_SIDE = 2, 16384  # pixels; H.264 takes no larger pictures
MOST_SCALES = 16  # of pictures, each half as large as the one before: more than the largest have


def choose_size(width: int | None, height: int | None, usual: tuple[int, int]) -> tuple[int, int]:
    """Width and height in pixels; one that is not given follows from the other in the `usual` shape.

    Raises ValueError, naming the flag, for a size that no picture has.
    """
    usual_width, usual_height = usual
    for flag, length in (("--width", width), ("--height", height)):
        if length is not None and not SMALLEST_SIDE <= length <= LARGEST_SIDE:
            raise ValueError(f"{flag} must be from {SMALLEST_SIDE} to {LARGEST_SIDE} pixels, not {length}.")
    if width is None and height is None:
        return usual
    if width is None:
        width = max(SMALLEST_SIDE, round((height or 0) * usual_width / usual_height))
    if height is None:
        height = max(SMALLEST_SIDE, round(width * usual_height / usual_width))
    if max(width, height) > LARGEST_SIDE:
        raise ValueError(
            f"--width and --height make pictures of {width}x{height} pixels; each side may have {LARGEST_SIDE}."
        )
    return width, height


def check_seconds(flag: str, seconds: float | None) -> None:
    """Of work. Raises ValueError, naming the flag, for so few that nothing could be learnt in them."""
    check_above_zero(flag, seconds, MOST_SECONDS)
    if seconds is not None and seconds < FEWEST_SECONDS:
        raise ValueError(
            f"The budget is too small: {flag} must be {FEWEST_SECONDS} or more, not {seconds:g}."
        )


def check_above_zero(flag: str, value: float | int | None, most: float | int) -> None:
    """Raises ValueError, naming the flag, for zero, less, too much, and what is no number."""
    if value is not None and not value > 0:
        raise ValueError(f"{flag} must be above zero, not {value}.")
    check_at_most(flag, value, most)


def check_count(flag: str, value: int | None, most: int) -> None:
    """Raises ValueError, naming the flag, for less than one and more than the most."""
    if value is not None and value < 1:
        raise ValueError(f"{flag} must be 1 or more, not {value}.")
    check_at_most(flag, value, most)


def check_test_every(value: int | None) -> None:
    """Raises ValueError for what leaves nothing to train on, or nothing to test on."""
    if value is not None and value < 2:
        raise ValueError(f"--test-every must be 2 or more, not {value}: one of so many is for testing.")


def check_at_most(flag: str, value: float | int | None, most: float | int) -> None:
    if value is not None and value > most:
        raise ValueError(f"{flag} may be at most {most:,}, not {value}.")


def check_seed(seed: int | None) -> None:
    """Raises ValueError for one that generators of random numbers do not take."""
    if seed is not None and not -(1 << 63) <= seed < 1 << 64:
        raise ValueError(
            f"--seed must be a number of 64 bits, from {-(1 << 63)} to {(1 << 64) - 1}, not {seed}."
        )
