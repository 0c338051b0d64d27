# SPDX-License-Identifier: GPL-3.0-or-later
"""lvm_copy.py LAYOUT out|in IMAGE GROUP/NAME FILE: copies the content of a logical volume out of an image or into it.

LAYOUT.lvs, .pvs and .loop are reports of LVM and losetup: where a byte lies is what they say."""
import json
import sys


def documents(path):
    text = open(path).read()
    at = 0
    decoder = json.JSONDecoder()
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        yield value


def runs(layout, volume):
    """(bytes in the volume, bytes in the image, length) of each run."""
    group, name = volume.split('/')
    device = {d['name']: int(d['offset']) for doc in documents(layout + '.loop') for d in doc['loopdevices']}
    start = {p['pv_name']: int(p['pe_start']) for p in next(documents(layout + '.pvs'))['report'][0]['pv']}
    for s in next(documents(layout + '.lvs'))['report'][0]['seg']:
        if (s['vg_name'], s['lv_name']) != (group, name):
            continue
        extent, columns = int(s['vg_extent_size']), []
        for ranges in s['seg_pe_ranges'].split():
            pv, pes = ranges.rsplit(':', 1)
            columns.append(device[pv] + start[pv] + int(pes.split('-')[0]) * extent)
        assert len(columns) == int(s['stripes'])
        size = int(s['seg_size'])
        stripe = int(s['stripe_size']) or size
        for n in range(size // stripe):
            yield (int(s['seg_start']) + n * stripe, columns[n % len(columns)] + n // len(columns) * stripe, stripe)


def main(layout, way, image, volume, path):
    with open(image, 'r+b') as disk, open(path, 'w+b' if way == 'out' else 'rb') as content:
        copied = 0
        for inside, at, length in runs(layout, volume):
            disk.seek(at)
            content.seek(inside)
            if way == 'out':
                content.write(disk.read(length))
            else:
                disk.write(content.read(length))
            copied += length
    assert copied


main(*sys.argv[1:])
