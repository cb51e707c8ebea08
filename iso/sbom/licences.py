# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Debian copyright file says of licences, in the words of SPDX where there is one."""

import re

# Debian's short names that differ from SPDX's, and those that are the same. A name that is not here is passed on as text.
SPDX = {
    "0BSD": "0BSD", "AGPL-3": "AGPL-3.0-only", "AGPL-3+": "AGPL-3.0-or-later", "APACHE-2": "Apache-2.0", "APACHE-2.0": "Apache-2.0",
    "ARTISTIC": "Artistic-1.0-Perl", "ARTISTIC-2.0": "Artistic-2.0", "BSD-2-CLAUSE": "BSD-2-Clause", "BSD-3-CLAUSE": "BSD-3-Clause",
    "BSD-4-CLAUSE": "BSD-4-Clause", "BSL-1.0": "BSL-1.0", "CC0": "CC0-1.0", "CC0-1.0": "CC0-1.0", "CC-BY-4.0": "CC-BY-4.0",
    "CC-BY-SA-3.0": "CC-BY-SA-3.0", "CC-BY-SA-4.0": "CC-BY-SA-4.0", "EXPAT": "MIT", "MIT": "MIT", "FSFAP": "FSFAP", "FSFUL": "FSFUL",
    "FSFULLR": "FSFULLR", "GPL-1": "GPL-1.0-only", "GPL-1+": "GPL-1.0-or-later", "GPL-2": "GPL-2.0-only", "GPL-2.0": "GPL-2.0-only",
    "GPL-2+": "GPL-2.0-or-later", "GPL-2.0+": "GPL-2.0-or-later", "GPL-3": "GPL-3.0-only", "GPL-3+": "GPL-3.0-or-later",
    "GPL-3.0-OR-LATER": "GPL-3.0-or-later", "GPL-3.0+": "GPL-3.0-or-later", "ISC": "ISC", "LGPL-2": "LGPL-2.0-only", "LGPL-2+": "LGPL-2.0-or-later",
    "LGPL-2.0+": "LGPL-2.0-or-later", "LGPL-2.1": "LGPL-2.1-only", "LGPL-2.1+": "LGPL-2.1-or-later", "LGPL-3": "LGPL-3.0-only",
    "LGPL-3+": "LGPL-3.0-or-later", "MPL-1.1": "MPL-1.1", "MPL-2.0": "MPL-2.0", "OFL-1.1": "OFL-1.1", "UNLICENSE": "Unlicense",
    "X11": "X11", "ZLIB": "Zlib", "CURL": "curl", "BZIP2-1.0.6": "bzip2-1.0.6", "PSF-2": "PSF-2.0", "OPENSSL": "OpenSSL", "VIM": "Vim",
}
# How files that no machine can read name what they mean.
COMMON = re.compile(r"/usr/share/common-licenses/([A-Za-z0-9.-]*[A-Za-z0-9])")


def names_in(text):
    """The licences that a copyright file names, sorted; none when it is not in the machine-readable form and names no common one."""
    found = set()
    if re.match(r"\s*Format:", text):
        for line in re.findall(r"(?mi)^License:[ \t]*(.*)$", text):
            found.update(each.strip(" ,()") for each in re.split(r"\s+(?:and|or|and/or)\s+|,|\|", line, flags=re.I))
    else:
        found.update(COMMON.findall(text))
    return sorted({SPDX.get(each.upper(), each) for each in found if each and len(each) <= 100})


def as_cyclonedx(text, where):
    """The `licenses` of a component whose copyright file is `where` among the licence texts; the file itself is always right."""
    ids = set(SPDX.values())
    names = names_in(text)
    if not names:
        return [{"license": {"name": f"see {where}"}}]
    return [{"license": {"id": each} if each in ids else {"name": each}} for each in names]
