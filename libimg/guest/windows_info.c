/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/windows_info.h"

#include <stdlib.h>

static void bcd_free(struct windows_bcd *b)
{
	for (size_t i = 0; i < b->entry_count; i++) {
		free(b->entry[i].guid);
		free(b->entry[i].kind);
		free(b->entry[i].description);
		free(b->entry[i].path);
		free(b->entry[i].device);
	}
	free(b->entry);
	free(b->volume);
	free(b->path);
	free(b->problem);
}

static void services_free(struct windows_info *w)
{
	for (size_t i = 0; i < w->service_count; i++) {
		free(w->service[i].name);
		free(w->service[i].file);
		free(w->service[i].version);
	}
	free(w->service);
}

void windows_info_free(struct windows_info *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->bcd_count; i++)
		bcd_free(&w->bcd[i]);
	free(w->bcd);
	services_free(w);
	strings_free(&w->control_sets);
	strings_free(&w->pending_reboot);
	free(w->product);
	free(w->version);
	free(w->edition);
	free(w->install_type);
	free(w->release);
	free(w->arch);
	free(w->language);
	free(w->hostname);
	free(w->image_state);
	free(w->system_root);
	free(w->current);
	free(w);
}
