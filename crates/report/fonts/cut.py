"""Cuts the report's two fonts out of the variable Inter font. See README.md for the command."""

import copy
import sys

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.ttLib.scaleUpem import scale_upem
from fontTools.varLib import instancer

FAMILY = "Packtrain Sans"
WEIGHTS = {"Regular": 400, "SemiBold": 600}
# Latin with Extended-A, Romanian commas, Vietnamese, combining marks, Greek, Cyrillic,
# punctuation, currency signs, letter-like signs, arrows, mathematics, marks, replacement.
RANGES = [
    (0x20, 0x7E), (0xA0, 0x17F), (0x192, 0x192), (0x218, 0x21B), (0x2BC, 0x2BC),
    (0x2C6, 0x2DD), (0x300, 0x304), (0x306, 0x30C), (0x326, 0x328), (0x370, 0x3FF),
    (0x400, 0x45F), (0x490, 0x493), (0x1E80, 0x1E85), (0x1E9E, 0x1E9E), (0x2010, 0x2027),
    (0x2030, 0x203A), (0x2044, 0x2044), (0x20A0, 0x20C0), (0x2113, 0x2113), (0x2116, 0x2116),
    (0x2122, 0x2122), (0x2190, 0x2199), (0x2202, 0x2265), (0x25A0, 0x25CF), (0x2713, 0x2717),
]
# Inter has no replacement character: its sign for "no such glyph" becomes one.
REPLACEMENT = 0xFFFD
# Figures and signs that stand in columns take their tabular forms for good.
TABULAR = "0123456789+\u2212"


def tabular_names(font):
    gsub = font["GSUB"].table
    lookups = {
        index
        for record in gsub.FeatureList.FeatureRecord
        if record.FeatureTag == "tnum"
        for index in record.Feature.LookupListIndex
    }
    names = {}
    for index in lookups:
        for table in gsub.LookupList.Lookup[index].SubTable:
            names.update(getattr(table, "ExtSubTable", table).mapping)
    return names


def rename(font, style):
    full = f"{FAMILY} {style}"
    post_script = full.replace(" ", "", 1).replace(" ", "-")
    copyright_notice = font["name"].getDebugName(0)
    font["name"].names = []
    names = {
        0: copyright_notice,
        1: FAMILY if style == "Regular" else full,
        2: "Regular",
        3: f"{post_script}; cut down from Inter 3.19",
        4: full,
        6: post_script,
        13: "SIL Open Font License, Version 1.1",
        14: "https://openfontlicense.org",
    }
    for number, text in names.items():
        font["name"].setName(text, number, 3, 1, 0x409)


def cut(source, style, weight):
    font = instancer.instantiateVariableFont(TTFont(source), {"wght": weight})
    font.setGlyphOrder([*font.getGlyphOrder(), "replacement"])
    font["glyf"]["replacement"] = copy.deepcopy(font["glyf"][".notdef"])
    font["hmtx"]["replacement"] = font["hmtx"][".notdef"]
    tabular = tabular_names(font)
    for table in font["cmap"].tables:
        for char in TABULAR:
            name = table.cmap.get(ord(char))
            if name in tabular:
                table.cmap[ord(char)] = tabular[name]
        table.cmap[REPLACEMENT] = "replacement"
    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.notdef_outline = True
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "STAT", "DSIG", "gasp", "meta", "kern", "MVAR"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[c for low, high in RANGES for c in range(low, high + 1)] + [REPLACEMENT])
    subsetter.subset(font)
    scale_upem(font, 1000)
    rename(font, style)
    # The time of making would make each run differ.
    font.recalcTimestamp = False
    font["head"].modified = font["head"].created
    font["OS/2"].usWeightClass = weight
    font.save(f"PacktrainSans-{style}.ttf", reorderTables=True)


if __name__ == "__main__":
    for style, weight in WEIGHTS.items():
        cut(sys.argv[1], style, weight)
