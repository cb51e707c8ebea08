// SPDX-License-Identifier: GPL-3.0-or-later
// The one place where the image library is compiled.
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include "storage/stb.h"
