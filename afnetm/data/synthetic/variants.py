"""Variants: the distributions that people, light and sensors are drawn from, several datasets by one generator.

With one seed the subjects of ``light`` and ``sensor`` are those of ``standard``; those of ``population`` are others.
"""

from dataclasses import dataclass

Pair = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Variant:
    """Distributions of a variant; every default is the standard's.

    Attributes:
        light_azimuth: standard deviation of the lamp's place, degrees to either side.
        light_elevation: mean and standard deviation, degrees.
        light_ambient: range.
        light_warmth: standard deviation of the colour cast; 1 is strong.
        exposure: standard deviation, stops.
        blur_mm: half-normal's standard deviation.
        texture_noise: range.
        depth_lowpass_mm: range.
        depth_noise_mm: range.
        depth_quantum_mm: range.
        depth_stripes: share of the range sensor's noise that lies in stripes, 0 to 1.
        depth_dropout: largest share of the hair that is lost.
        ancestry: Dirichlet's concentrations, in the order of `afnetm.data.synthetic.shape.ANCESTRIES`.
        age: parameters of a beta distribution, 0 (young) to 1 (old).
        expressivity: mean and standard deviation of its logarithm.
        expressivity_range: what it is cut to.
        strength_deviation: standard deviation, over subjects, of the strength of each action unit.
    """

    light_azimuth: float = 36.0
    light_elevation: Pair = (24.0, 12.0)
    light_ambient: Pair = (0.25, 0.7)
    light_warmth: float = 0.5
    exposure: float = 0.35
    blur_mm: float = 1.8
    texture_noise: Pair = (0.004, 0.03)
    depth_lowpass_mm: Pair = (1.5, 4.5)
    depth_noise_mm: Pair = (0.6, 1.7)
    depth_quantum_mm: Pair = (0.05, 0.4)
    depth_stripes: float = 0.0
    depth_dropout: float = 0.25
    ancestry: tuple[float, float, float] = (0.6, 0.6, 0.6)
    age: Pair = (1.3, 2.5)
    expressivity: Pair = (0.05, 0.18)
    expressivity_range: Pair = (0.8, 1.35)
    strength_deviation: float = 0.22


STANDARD = "standard"
VARIANTS: dict[str, Variant] = {
    STANDARD: Variant(),
    # Lamps at the ceiling and at the side, little other light, strong casts; a camera with less light to work with.
    "light": Variant(
        light_azimuth=60.0,
        light_elevation=(42.0, 18.0),
        light_ambient=(0.06, 0.4),
        light_warmth=0.9,
        exposure=0.6,
        blur_mm=2.6,
        texture_noise=(0.015, 0.06),
    ),
    # Finer optics whose noise lies in stripes along the rows, with coarse steps and more of the hair lost.
    "sensor": Variant(
        depth_lowpass_mm=(0.8, 2.2),
        depth_noise_mm=(1.2, 2.6),
        depth_quantum_mm=(0.4, 1.4),
        depth_stripes=0.6,
        depth_dropout=0.5,
    ),
    # Older people of another mixture of ancestries, who show less and differ more in how they show it.
    "population": Variant(
        ancestry=(0.9, 1.4, 0.25),
        age=(2.6, 1.6),
        expressivity=(-0.1, 0.28),
        expressivity_range=(0.5, 1.35),
        strength_deviation=0.3,
    ),
}
