# SPDX-License-Identifier: GPL-3.0-or-later
# hive_rows.pl HIVE: one line a key and one a value, "KEY<tab>NAME<tab>TYPE<tab>HEX", by a reader in Perl that shares no
# code with hivex or libregf.
use strict;
use warnings;
use Parse::Win32Registry;

my $hive = Parse::Win32Registry->new($ARGV[0]) or die "$ARGV[0]: not a hive\n";
my $root = $hive->get_root_key or die "$ARGV[0]: no root key\n";
binmode STDOUT, ':utf8';

sub show {
	my ($key, $path) = @_;
	print "$path\n" if $path ne '';
	for my $value (sort { lc $a->get_name cmp lc $b->get_name } $key->get_list_of_values) {
		my $data = $value->get_raw_data;
		printf "%s\t%s\t%x\t%s\n", $path, $value->get_name, $value->get_type, unpack('H*', defined $data ? $data : '');
	}
	for my $below (sort { lc $a->get_name cmp lc $b->get_name } $key->get_list_of_subkeys) {
		show($below, $path eq '' ? $below->get_name : "$path\\" . $below->get_name);
	}
}
show($root, '');
