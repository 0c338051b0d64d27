/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sniff-dump FILE...: what sniff_file finds, a line each: name, format, virtual size, "safe" or
 * "unsafe". */
#include <inttypes.h>
#include <stdio.h>

#include "cloud/sniff.h"
#include "disk/host_file.h"

static int dump(const char *path, struct error *e)
{
	enum sniff_format found;
	struct sniff s = { 0 };
	struct disk *file;
	int rc = host_file_open(path, &file, e);

	if (rc)
		return rc;
	rc = sniff_file(file, &s, e);
	disk_close(file);
	if (rc)
		return rc;
	if (sniff_matches(&s, &found) > 1)
		printf("%s several\n", path);
	else
		printf("%s %s %" PRIu64 " %s\n", path, sniff_name(found),
			found == SNIFF_RAW || found == SNIFF_GPT ? 0 : s.virtual_size[found],
			s.failures ? "unsafe" : "safe");
	return 0;
}

int main(int argc, char **argv)
{
	struct error e = { 0 };

	for (int i = 1; i < argc; i++)
		if (dump(argv[i], &e)) {
			fprintf(stderr, "%s: %s\n", argv[i], e.text);
			return 1;
		}
	return 0;
}
