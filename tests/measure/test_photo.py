import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simulator.measure.guarded import CannotMeasureError
from simulator.measure.image_steps import find_photos, load_photo, phone_photo, prepare, start_decoder

pytestmark = pytest.mark.zoo

HALF = (0.5, 0.5, 0.5)


def test_photos_are_found_in_order_up_to_a_number(photos: Path) -> None:
    (photos / "labels.csv").write_text("not a photo")
    assert [path.name for path in find_photos(photos, most=2)] == ["0.jpg", "1.jpg"]


@pytest.mark.parametrize(("name", "fault"), [("absent", "there is no such folder"), ("empty", "holds no photo")])
def test_a_folder_without_photos_is_named(tmp_path: Path, name: str, fault: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CannotMeasureError, match=f"{name}: {fault}.*--photos"):
        find_photos(tmp_path / name, most=1)


def test_a_file_that_is_no_photo_is_named(tmp_path: Path) -> None:
    (tmp_path / "fake.jpg").write_text("text")
    with pytest.raises(CannotMeasureError, match=r"fake\.jpg: is not a photo"):
        load_photo(tmp_path / "fake.jpg")


def test_prepare_keeps_the_middle_and_normalises() -> None:
    image = Image.new("RGB", (50, 10), "black")
    image.paste((255, 128, 0), (15, 0, 35, 10))
    found = prepare(image, 4, (0.5, 0.4, 0.3), (0.5, 0.2, 0.1))
    expected = (np.array([255, 128, 0]) / 255 - [0.5, 0.4, 0.3]) / [0.5, 0.2, 0.1]
    assert (found.shape, found.dtype) == ((3, 4, 4), np.float32)
    np.testing.assert_allclose(found, np.broadcast_to(expected[:, None, None], (3, 4, 4)), rtol=1e-5)


def test_the_phone_photo_has_12_megapixels_and_is_the_same_each_time(photos: Path) -> None:
    jpeg = phone_photo(photos)
    assert Image.open(io.BytesIO(jpeg)).size == (4032, 3024)
    assert jpeg == phone_photo(photos)


@pytest.mark.long
def test_decoding_at_reduced_resolution_gives_nearly_the_same_thumbnail(photos: Path) -> None:
    jpeg = phone_photo(photos)
    full, reduced = (start_decoder(jpeg, way)(2) for way in (False, True))
    assert isinstance(full, list)
    assert isinstance(reduced, list)
    assert len(full) == len(reduced) == 2
    assert full[0].shape == (3, 224, 224)
    assert np.abs(full[0] - reduced[0]).mean() < 0.02
