"""What a browser may say, message by message in viser's protocol, and how far its numbers may go.

viser takes whatever it is sent: any message of its own in either direction, any number, any attribute of a control.
Here only what its page says is understood, everything else is refused, and what goes on to viser is written anew.
"""

import math
from typing import Annotated, Any, Literal

import msgspec

FAR = 1e9  # of a place from the origin, in world units
FOV = 0.01, 3.0  # radians
MOST_PIXELS = 16384  # along a side of a browser's canvas
CLOSEST = 1e-12  # of what a camera looks at

Name = Annotated[str, msgspec.Meta(max_length=128)]
FileName = Annotated[str, msgspec.Meta(max_length=1024)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Pixel = tuple[float, float]
Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]


class Refused(Exception):
    """A browser has said what it may not say; why, in words."""


class Camera(msgspec.Struct, tag="ViewerCameraMessage"):
    wxyz: Quaternion
    position: Vector
    fov: float
    near: float
    far: float
    image_height: int | float
    image_width: int | float
    look_at: Vector
    up_direction: Vector

    def tame(self) -> None:
        turned(self.wxyz)
        self.position, self.look_at = placed(self.position), placed(self.look_at)
        self.fov = clamped(self.fov, *FOV)
        self.near, self.far = clamped(self.near, 0, FAR), clamped(self.far, 0, FAR)
        self.image_width = round(clamped(self.image_width, 1, MOST_PIXELS))
        self.image_height = round(clamped(self.image_height, 1, MOST_PIXELS))
        self.up_direction = placed(self.up_direction)
        if math.dist(self.look_at, self.position) < CLOSEST or not any(self.up_direction):
            raise Refused("a camera that looks at its own place, or has no up")


class Click(msgspec.Struct, tag="SceneNodeClickMessage"):
    name: Name
    ray_origin: Vector
    ray_direction: Vector
    screen_pos: Pixel
    instance_index: int | None = None
    modifier: Name | None = None
    owner: Name = ""

    def tame(self) -> None:
        self.ray_origin, self.ray_direction = placed(self.ray_origin), pointed(self.ray_direction)
        self.screen_pos = on_screen(self.screen_pos)


class Pointer(msgspec.Struct, tag="ScenePointerMessage"):
    event_type: Literal["click"]
    ray_origin: Vector
    ray_direction: Vector
    screen_pos: tuple[Pixel]
    modifier: Name | None = None

    def tame(self) -> None:
        self.ray_origin, self.ray_direction = placed(self.ray_origin), pointed(self.ray_direction)
        self.screen_pos = (on_screen(self.screen_pos[0]),)


class DragStart(msgspec.Struct, tag="TransformControlsDragStartMessage"):
    name: Name
    owner: Name = ""

    def tame(self) -> None:
        pass


class DragEnd(DragStart, tag="TransformControlsDragEndMessage"):
    pass


class Drag(msgspec.Struct, tag="TransformControlsUpdateMessage"):
    name: Name
    wxyz: Quaternion
    position: Vector
    owner: Name = ""

    def tame(self) -> None:
        turned(self.wxyz)
        self.position = placed(self.position)


class NewValue(msgspec.Struct, forbid_unknown_fields=True):
    value: Any


class Control(msgspec.Struct, tag="GuiUpdateMessage"):
    """Somebody has set a control, or pressed a button. What its value may be only the control knows."""

    uuid: Name
    updates: NewValue

    def tame(self) -> None:
        pass


class Upload(msgspec.Struct, tag="FileTransferStartUpload"):
    source_component_uuid: Name
    transfer_uuid: Name
    filename: FileName
    mime_type: Name
    part_count: Count
    size_bytes: Count

    def tame(self) -> None:
        pass


class UploadPart(msgspec.Struct, tag="FileTransferPart"):
    source_component_uuid: Name | None
    transfer_uuid: Name
    part_index: Count
    content: bytes

    def tame(self) -> None:
        pass


Message = Camera | Click | Pointer | DragStart | DragEnd | Drag | Control | Upload | UploadPart
DECODER = msgspec.msgpack.Decoder(Message)
ENCODER = msgspec.msgpack.Encoder()


def understood(raw: bytes | str) -> Message:
    """A browser's message, its numbers within their bounds. Raises Refused."""
    if isinstance(raw, str):
        raise Refused("text, where viser's page sends bytes")
    try:
        message = DECODER.decode(raw)
    except (msgspec.DecodeError, RecursionError):  # whose words may be the browser's own, and of any length
        raise Refused("a message that its page does not send") from None
    message.tame()
    return message


def clamped(value: int | float, least: int | float, most: int | float) -> int | float:
    if not math.isfinite(value):
        raise Refused("a number that is not finite")
    return min(max(value, least), most)


def placed(place: Vector) -> Vector:
    x, y, z = (clamped(value, -FAR, FAR) for value in place)
    return x, y, z


def pointed(direction: Vector) -> Vector:
    if not any(map(abs, place := placed(direction))):
        raise Refused("a ray without a direction")
    return place


def turned(wxyz: Quaternion) -> None:
    if not 0.5 < math.hypot(*wxyz) < 2:  # false for NaN too
        raise Refused("a rotation that is none")


def on_screen(pixel: Pixel) -> Pixel:
    x, y = (clamped(value, -1, 2) for value in pixel)  # of the picture's width and height
    return x, y
