"""Names of landmarks. Which region a landmark belongs to, and which serve the pose fit: `afnetm.data.regions`."""

#: Groups of BU-3DFE's 83 landmarks in file order, with how many rows each has. Whose right and left is meant (the
#: subject's or the viewer's) is not documented: nothing may rely on it, sides are decided from coordinates.
GROUPS_83 = {
    "right_eye": 8,
    "left_eye": 8,
    "right_brow": 10,
    "left_brow": 10,
    "right_nose": 3,
    "left_nose": 3,
    "nostrils": 6,
    "outer_mouth": 12,
    "inner_mouth": 8,
    "jaw": 15,
}

#: Groups of the 68 landmarks of Multi-PIE and the iBUG 300-W annotations, in the order of their files.
GROUPS_68 = {
    "jaw": 17,
    "right_brow": 5,
    "left_brow": 5,
    "nose_bridge": 4,
    "nose_base": 5,
    "right_eye": 6,
    "left_eye": 6,
    "outer_mouth": 12,
    "inner_mouth": 8,
}


def _numbered(groups: dict[str, int]) -> tuple[str, ...]:
    return tuple(f"{group}_{i}" for group, count in groups.items() for i in range(count))


#: ``right_eye_0`` ... ``jaw_14``: the 83 names in file order.
LANDMARKS_83 = _numbered(GROUPS_83)

#: ``jaw_0`` ... ``inner_mouth_7``: the 68 names in file order.
LANDMARKS_68 = _numbered(GROUPS_68)

#: Bosphorus's 22 landmarks. Its files name those that a scan has, in any order and case; a scan has a row for each.
LANDMARKS_22 = (
    "Outer left eyebrow",
    "Middle left eyebrow",
    "Inner left eyebrow",
    "Inner right eyebrow",
    "Middle right eyebrow",
    "Outer right eyebrow",
    "Outer left eye corner",
    "Inner left eye corner",
    "Inner right eye corner",
    "Outer right eye corner",
    "Nose saddle left",
    "Nose saddle right",
    "Left nose peak",
    "Nose tip",
    "Right nose peak",
    "Left mouth corner",
    "Upper lip outer middle",
    "Right mouth corner",
    "Upper lip inner middle",
    "Lower lip inner middle",
    "Lower lip outer middle",
    "Chin middle",
)
