#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# seal-tree.sh TREE debian|rhel: a small guest that has much of what makes a guest one of its kind.
set -euo pipefail
mkdir -p "$1"
cd "$1"
umask 022

files() {
	local path
	for path; do
		mkdir -p "./${path%/*}"
		echo "content of $path" >"./$path"
	done
}

mkdir -p boot dev proc sys run srv tmp/.d var/tmp usr/{bin,sbin,lib}
ln -s usr/lib lib
ln -s usr/bin bin
ln -s usr/sbin sbin
mkdir var/log
ln -s ../run var/run
cp /bin/true usr/bin/dash
ln -s dash usr/bin/sh
mkdir etc
echo '/dev/sda1 / ext4 defaults 0 1' >etc/fstab
case $2 in
debian)
	printf 'ID=debian\nVERSION_ID=12\nPRETTY_NAME="Debian GNU/Linux 12"\n' >etc/os-release
	echo 12.5 >etc/debian_version
	mkdir -p var/lib/dpkg
	: >var/lib/dpkg/status
	files var/cache/apt/archives/{a.deb,lock,partial/b.deb} var/cache/apt/pkgcache.bin var/log/account/pacct{,.1.gz}
	;;
rhel)
	printf 'ID="rhel"\nVERSION_ID="7.9"\nPRETTY_NAME="Red Hat Enterprise Linux Server 7.9 (Maipo)"\n' >etc/os-release
	echo 'Red Hat Enterprise Linux Server release 7.9 (Maipo)' >etc/redhat-release
	mkdir -p etc/sysconfig/network-scripts
	printf 'DEVICE=eth0\nHWADDR=00:11:22:33:44:55\nHOSTNAME=x\nDHCP_HOSTNAME=y\n#HWADDR=x\nBOOTPROTO=dhcp\n' >etc/sysconfig/network-scripts/ifcfg-eth0
	echo DEVICE=lo >etc/sysconfig/network-scripts/ifcfg-lo
	files etc/NetworkManager/system-connections/{wired.nmconnection,other} etc/pki/{consumer,entitlement}/{cert.pem,key.pem} \
		etc/sysconfig/rhn/systemid var/lib/rpm/__db.00{1,2} var/lib/rpm/Packages var/lib/yum/uuid \
		var/cache/yum/{x.solv,repo/packages/y.rpm} var/account/pacct{,-20240101.gz}
	;;
esac
files etc/{foo.bak,foo~,hostname,machine-id} etc/ssh/{sshd_config,ssh_host_{rsa,ed25519}_key{,.pub}} srv/{a~,b} usr/lib/c.bak \
	etc/{blkid.tab,blkid.tab.old,krb5.keytab,passwd-,shadow-,group-,passwd,smolt/uuid,ipa/default.conf,Pegasus/server.pem,Pegasus/other} \
	etc/udev/rules.d/70-persistent-net.rules root/{.bash_history,.bashrc,anaconda-ks.cfg,.ssh/id} \
	home/{anna,bob}/{.bash_history,.profile,.ssh/authorized_keys} tmp/{x,.hidden,.d/y,d/e/f} var/tmp/{z,.h/z} \
	var/crash/{1/vmcore,_usr_bin_x.crash} var/log/dump/d var/spool/abrt/ccpp-1/core \
	var/spool/cron/{root,crontabs/anna,atjobs/a1,atjobs/.SEQ,atspool/o} var/spool/at/{.SEQ,a2,spool/o} var/spool/{mail,abrt}/anna \
	var/lib/{dhcp/dhclient.leases,dhclient/dhclient--eth0.lease,dhcpd/dhcpd.leases,dovecot/ssl-parameters.dat,dbus/machine-id} \
	var/lib/puppet/ssl/{key.pem,certs/host.pem} var/lib/samba/{secrets.tdb,private/passdb.tdb} var/lib/sss/db/{cache.ldb,keep/x} \
	var/lib/{logrotate.status,fprint/anna/x,deep/a/b.bak} var/cache/{man/index.db,fontconfig/x,other/y} \
	var/kerberos/krb5kdc/{kadm5.acl,kdc.conf,principal} run/{faillock/anna,utmp} \
	var/log/{messages,messages-20240101,syslog,syslog.1,a.log,a.log.1.gz,wtmp,btmp,lastlog,dmesg,cron,secure,unrelated,.hidden.log} \
	var/log/{journal/0123456789abcdef0123456789abcdef/system.journal,audit/audit.log,apt/history.log,samba/{log.smbd,old/x},sssd/s.log} \
	var/log/{puppet/p.log,apache2/access_log,apache2/error.txt,installer/syslog,tuned/tuned.log,tuned/other,exim4/mainlog}
