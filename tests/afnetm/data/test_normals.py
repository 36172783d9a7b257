import numpy as np
import pytest
import torch

from afnetm.data.decoding import normals, shape_index

SIZE, PIXEL = 100, 2.0


def _axes():
    middle = (torch.arange(SIZE, dtype=torch.float64) + 0.5) * PIXEL - 100
    y, x = torch.meshgrid(-middle, middle, indexing="ij")
    return x, y


def _degrees(found, expected):
    return torch.rad2deg(torch.acos((found * expected).sum(0).clamp(-1, 1)))


def test_a_plane_has_one_normal_up_to_its_border():
    x, y = _axes()
    valid = (x.abs() < 80) & ((x - 20) ** 2 + y**2 > 400)
    depth = torch.where(valid, 0.4 * x - 0.7 * y + 3, -200.0)
    found = normals(depth[None, None], valid[None, None], pixel_mm=PIXEL)[0]
    expected = torch.tensor([-0.4, 0.7, 1.0], dtype=torch.float64) / np.sqrt(1 + 0.4**2 + 0.7**2)
    torch.testing.assert_close(found[:, valid], expected[:, None].expand(-1, int(valid.sum())))
    assert not found[:, ~valid].any()


@pytest.mark.parametrize("shape", ["sphere", "cylinder"])
def test_normals_point_away_from_the_centre(shape):
    x, y = _axes()
    across = x**2 + (y**2 if shape == "sphere" else 0)
    valid = across < 70**2
    depth = (90.0**2 - across).clamp(min=0).sqrt()
    found = normals(depth[None, None], valid[None, None], pixel_mm=PIXEL)[0]
    expected = torch.stack([x, y if shape == "sphere" else 0 * y, depth]) / 90
    inner = across < 60**2
    assert _degrees(found, expected)[inner].max() < 0.3
    torch.testing.assert_close(found[:, valid].norm(dim=0), torch.ones(int(valid.sum()), dtype=torch.float64))


def test_an_isolated_pixel_faces_the_viewer():
    valid = torch.zeros(1, 1, 5, 5, dtype=torch.bool)
    valid[..., 2, 2] = True
    found = normals(torch.randn(1, 1, 5, 5), valid, pixel_mm=PIXEL)
    assert found[0, :, 2, 2].tolist() == [0, 0, 1]
    assert found.abs().sum() == 1


def test_scans_of_a_batch_do_not_touch():
    depth, valid = torch.randn(3, 1, 8, 8), torch.rand(3, 1, 8, 8) > 0.3
    multi = normals(depth, valid, pixel_mm=PIXEL)
    apart = torch.cat([normals(depth[k : k + 1], valid[k : k + 1], pixel_mm=PIXEL) for k in range(3)])
    assert multi.shape == (3, 3, 8, 8)
    assert multi.dtype == torch.float32
    assert torch.equal(multi, apart)


@pytest.mark.parametrize(
    ("surface", "expected"),
    [
        (lambda x, y: (90.0**2 - x**2 - y**2).clamp(min=0).sqrt(), 1.0),  # a cap
        (lambda x, y: (90.0**2 - x**2).clamp(min=0).sqrt(), 0.5),  # a ridge
        (lambda x, y: (x**2 - y**2) / 80, 0.0),  # a saddle
        (lambda x, y: 0.3 * x - 0.2 * y, 0.0),  # a plane
        (lambda x, y: -((90.0**2 - y**2).clamp(min=0).sqrt()), -0.5),  # a rut
        (lambda x, y: -((90.0**2 - x**2 - y**2).clamp(min=0).sqrt()), -1.0),  # a cup
    ],
    ids=["cap", "ridge", "saddle", "plane", "rut", "cup"],
)
def test_the_shape_index_names_the_shape_of_a_surface(surface, expected):
    x, y = _axes()
    valid = x**2 + y**2 < 60**2
    found = shape_index(surface(x, y)[None, None], valid[None, None], pixel_mm=PIXEL)[0, 0]
    inner = x**2 + y**2 < 30**2
    assert (found[inner] - expected).abs().median() < 0.05
    assert not found[~valid].any()
