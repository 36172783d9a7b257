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

#: ``right_eye_0`` ... ``jaw_14``: the 83 names in file order.
LANDMARKS_83 = tuple(f"{group}_{i}" for group, count in GROUPS_83.items() for i in range(count))
