/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cloud/ovf.h"

#include <stdio.h>

#include <libxml/tree.h>

#define DMTF "http://schemas.dmtf.org/"
#define CIM DMTF "wbem/wscim/1/cim-schema/2/"

/* The document as it grows; libxml2 fails for want of memory only. */
struct ovf {
	const struct ovf_facts *f;
	xmlNs *ovf, *rasd, *vssd, *vmw;
	bool failed;
	unsigned items; /* of virtual hardware */
};

/* What CIM_ResourceAllocationSettingData calls a device. */
enum resource {
	RESOURCE_CPU = 3,
	RESOURCE_MEMORY = 4,
	RESOURCE_IDE = 5,
	RESOURCE_SCSI = 6,
	RESOURCE_NETWORK = 10,
	RESOURCE_DISK = 17,
};

static xmlNode *add_text(
	struct ovf *o, xmlNode *parent, xmlNs *ns, const char *name, const char *text)
{
	xmlNode *node = parent
		? xmlNewTextChild(parent, ns, (const xmlChar *)name, (const xmlChar *)text)
		: NULL;

	o->failed |= !node;
	return node;
}

static xmlNode *add(struct ovf *o, xmlNode *parent, const char *name)
{
	/* The default namespace, which the root declares, is the parent's. */
	return add_text(o, parent, NULL, name, NULL);
}

static void attribute(struct ovf *o, xmlNode *node, const char *name, const char *value)
{
	o->failed |= !node ||
		!xmlNewNsProp(node, o->ovf, (const xmlChar *)name, (const xmlChar *)value);
}

static void attribute_number(struct ovf *o, xmlNode *node, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	attribute(o, node, name, text);
}

static void references_add(struct ovf *o, xmlNode *root)
{
	xmlNode *file = add(o, add(o, root, "References"), "File");

	attribute(o, file, "href", o->f->file);
	attribute(o, file, "id", "file1");
	attribute_number(o, file, "size", o->f->file_size);
}

static void disk_section_add(struct ovf *o, xmlNode *root)
{
	xmlNode *section = add(o, root, "DiskSection"), *disk;

	add_text(o, section, NULL, "Info", "Virtual disks");
	disk = add(o, section, "Disk");
	attribute_number(o, disk, "capacity", o->f->capacity);
	attribute(o, disk, "capacityAllocationUnits", "byte");
	attribute(o, disk, "diskId", "vmdisk1");
	attribute(o, disk, "fileRef", "file1");
	attribute(o, disk, "format",
		"http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized");
	attribute_number(o, disk, "populatedSize", o->f->populated);
}

static void network_section_add(struct ovf *o, xmlNode *root)
{
	xmlNode *section = add(o, root, "NetworkSection"), *network;

	add_text(o, section, NULL, "Info", "Logical networks");
	network = add(o, section, "Network");
	attribute(o, network, "name", "VM Network");
	add_text(o, network, NULL, "Description", "The network of the machine");
}

static void system_section_add(struct ovf *o, xmlNode *machine)
{
	const struct ovf_os os = ovf_os_of(o->f->guest);
	xmlNode *section = add(o, machine, "OperatingSystemSection");

	attribute(o, section, "id", os.id);
	add_text(o, section, NULL, "Info", "The guest operating system");
	add_text(o, section, NULL, "Description", os.name);
}

static void system_add(struct ovf *o, xmlNode *hardware)
{
	xmlNode *system = add(o, hardware, "System");

	add_text(o, system, o->vssd, "ElementName", "Virtual Hardware Family");
	add_text(o, system, o->vssd, "InstanceID", "0");
	add_text(o, system, o->vssd, "VirtualSystemIdentifier", o->f->name);
	add_text(o, system, o->vssd, "VirtualSystemType", "vmx-10");
}

/* One device; the schema wants its elements in the order of their names.  NULL: left out. */
struct item {
	const char *address, *address_on_parent, *units, *automatic, *connection, *name, *host,
		*parent, *subtype;
	enum resource type;
	uint64_t quantity; /* 0: none */
};

static void rasd_add(struct ovf *o, xmlNode *node, const char *name, const char *text)
{
	if (text)
		add_text(o, node, o->rasd, name, text);
}

static void rasd_number(struct ovf *o, xmlNode *node, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	rasd_add(o, node, name, text);
}

static void item_add(struct ovf *o, xmlNode *hardware, const struct item *i)
{
	xmlNode *node = add(o, hardware, "Item");

	rasd_add(o, node, "Address", i->address);
	rasd_add(o, node, "AddressOnParent", i->address_on_parent);
	rasd_add(o, node, "AllocationUnits", i->units);
	rasd_add(o, node, "AutomaticAllocation", i->automatic);
	rasd_add(o, node, "Connection", i->connection);
	rasd_add(o, node, "ElementName", i->name);
	rasd_add(o, node, "HostResource", i->host);
	rasd_number(o, node, "InstanceID", ++o->items);
	rasd_add(o, node, "Parent", i->parent);
	rasd_add(o, node, "ResourceSubType", i->subtype);
	rasd_number(o, node, "ResourceType", i->type);
	if (i->quantity)
		rasd_number(o, node, "VirtualQuantity", i->quantity);
}

static void items_add(struct ovf *o, xmlNode *hardware)
{
	const struct item items[] = {
		{ .type = RESOURCE_CPU,
			.name = "1 virtual CPU",
			.units = "hertz * 10^6",
			.quantity = 1 },
		{ .type = RESOURCE_MEMORY,
			.name = "Memory",
			.units = "byte * 2^20",
			.quantity = o->f->memory },
		{ .type = o->f->ide ? RESOURCE_IDE : RESOURCE_SCSI,
			.name = o->f->ide ? "IDE controller 0" : "SCSI controller 0",
			.subtype = o->f->ide ? "PIIX4" : "lsilogic",
			.address = "0" },
		{ .type = RESOURCE_DISK,
			.name = "Hard disk 1",
			.address_on_parent = "0",
			.host = "ovf:/disk/vmdisk1",
			.parent = "3" },
		{ .type = RESOURCE_NETWORK,
			.name = "Network adapter 1",
			.automatic = "true",
			.connection = "VM Network",
			.subtype = "E1000" },
	};

	for (size_t i = 0; i < sizeof(items) / sizeof(*items); i++)
		item_add(o, hardware, &items[i]);
}

/* OVF has no word for the firmware; this is VMware's, which others may pass over. */
static void firmware_add(struct ovf *o, xmlNode *hardware)
{
	xmlNode *config = add_text(o, hardware, o->vmw, "Config", NULL);

	attribute(o, config, "required", "false");
	o->failed |= !config ||
		!xmlNewNsProp(config, o->vmw, BAD_CAST "key", BAD_CAST "firmware") ||
		!xmlNewNsProp(config, o->vmw, BAD_CAST "value", BAD_CAST "efi");
}

static void machine_add(struct ovf *o, xmlNode *root)
{
	xmlNode *machine = add(o, root, "VirtualSystem"), *hardware;

	attribute(o, machine, "id", o->f->name);
	add_text(o, machine, NULL, "Info", "A virtual machine");
	add_text(o, machine, NULL, "Name", o->f->name);
	system_section_add(o, machine);
	hardware = add(o, machine, "VirtualHardwareSection");
	add_text(o, hardware, NULL, "Info", "Virtual hardware requirements");
	system_add(o, hardware);
	items_add(o, hardware);
	if (o->f->uefi)
		firmware_add(o, hardware);
}

static xmlNs *namespace_add(struct ovf *o, xmlNode *root, const char *prefix, const char *uri)
{
	xmlNs *ns = root ? xmlNewNs(root, (const xmlChar *)uri, (const xmlChar *)prefix) : NULL;

	o->failed |= !ns;
	return ns;
}

static void envelope_fill(struct ovf *o, xmlDoc *doc)
{
	xmlNode *root = xmlNewDocNode(doc, NULL, BAD_CAST "Envelope", NULL);

	if (!root) {
		o->failed = true;
		return;
	}
	xmlDocSetRootElement(doc, root);
	xmlSetNs(root, namespace_add(o, root, NULL, DMTF "ovf/envelope/1"));
	o->ovf = namespace_add(o, root, "ovf", DMTF "ovf/envelope/1");
	o->rasd = namespace_add(o, root, "rasd", CIM "CIM_ResourceAllocationSettingData");
	o->vssd = namespace_add(o, root, "vssd", CIM "CIM_VirtualSystemSettingData");
	o->vmw = namespace_add(o, root, "vmw", "http://www.vmware.com/schema/ovf");
	references_add(o, root);
	disk_section_add(o, root);
	network_section_add(o, root);
	machine_add(o, root);
}

int ovf_text(const struct ovf_facts *f, struct buffer *out, struct error *e)
{
	struct ovf o = { .f = f };
	xmlDoc *doc;
	xmlChar *text = NULL;
	int len = 0, rc;

	if (!xmlCheckUTF8((const xmlChar *)f->name) || !xmlCheckUTF8((const xmlChar *)f->file))
		return error_set(e, ERR_UNSUPPORTED, "a name in an OVF has to be UTF-8");
	doc = xmlNewDoc(BAD_CAST "1.0");
	if (doc)
		envelope_fill(&o, doc);
	if (doc && !o.failed)
		xmlDocDumpFormatMemoryEnc(doc, &text, &len, "UTF-8", 1);
	rc = text ? buffer_append(out, text, (size_t)len, e) : error_nomem(e, "an OVF descriptor");
	xmlFree(text);
	xmlFreeDoc(doc);
	return rc;
}
