package identity

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// hold locks a file for the life of the process, and says which file of which running
// system it is.
func hold(f *os.File) (string, error) {
	var fs syscall.Statfs_t
	if err := syscall.Fstatfs(int(f.Fd()), &fs); err != nil {
		return "", fmt.Errorf("looking at file system: %w", err)
	}
	if err := proves(uint32(fs.Type)); err != nil {
		return "", err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("%w: the system does not say which boot this is: %w", ErrUnproven, err)
	}
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return "", ErrTaken
	case err != nil:
		return "", fmt.Errorf("%w: locking file: %w", ErrUnproven, err)
	}
	var st syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &st); err != nil {
		return "", fmt.Errorf("looking at file: %w", err)
	}
	return place(strings.TrimSpace(string(boot)), uint64(st.Dev), st.Ino), nil //nolint:unconvert // an int32 on some systems
}

// place is a file of a running system: seen from another host, after a restart of the
// machine, or copied, it is another.
func place(boot string, device, inode uint64) string {
	return fmt.Sprintf("%s %d %d", boot, device, inode)
}

// proves returns an error for a file system on which a lock is no proof.
func proves(fileSystem uint32) error {
	if name := remote[fileSystem]; name != "" {
		return fmt.Errorf("%w: the folder is on %s, which another host may have, too", ErrUnproven, name)
	}
	return nil
}

// remote are the file systems, by their numbers in statfs(2), that several hosts may have
// at once, or that lock as they like.
var remote = map[uint32]string{
	0x6969:     "NFS",
	0x517b:     "SMB",
	0xff534d42: "SMB",
	0xfe534d42: "SMB",
	0x564c:     "NCP",
	0x01021997: "9p",
	0x65735546: "FUSE",
	0x786f4256: "a shared folder of VirtualBox",
	0xbacbacbc: "a shared folder of VMware",
	0x00c36400: "Ceph",
	0x5346414f: "AFS",
	0x6b414653: "AFS",
	0x73757245: "Coda",
	0x01161970: "GFS2",
	0x7461636f: "OCFS2",
	0x0bd00bd0: "Lustre",
	0x47504653: "GPFS",
	0x19830326: "BeeGFS",
	0x013111a8: "IBRIX",
	0xaad7aaea: "PanFS",
}
