/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <libdeflate.h>
#include <libvhdi.h>
#include <zlib.h>
#include <zstd.h>
#ifdef HAVE_ISAL
#include <isa-l.h>
#endif

#include "tools/help.h"

/* The engines are named because compressed output depends on them. */
void version_print(FILE *out)
{
	fprintf(out, "hvimg %s\n", HVIMG_VERSION);
#ifdef HAVE_ISAL
	fprintf(out, "ISA-L %d.%d.%d\n", ISAL_MAJOR_VERSION, ISAL_MINOR_VERSION,
		ISAL_PATCH_VERSION);
#else
	fputs("ISA-L none\n", out);
#endif
	fprintf(out, "libdeflate %s\n", LIBDEFLATE_VERSION_STRING);
	fprintf(out, "zlib %s\n", zlibVersion());
	fprintf(out, "zstd %s\n", ZSTD_versionString());
	fprintf(out, "libvhdi %s\n", libvhdi_get_version());
}
