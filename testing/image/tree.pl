# Prints what stands at every path of the root it runs in, without crossing into other file systems.
# A record is three texts, each ended by a NUL, which no path can hold:
#
#   TYPE MODE UID GID SHA256-OR-DASH    PATH    LINK-TARGET
#
# Contents are hashed of files whose inode changed in the second of the first argument (a time in seconds) or later:
# the others are the image's own, whose hashes are known. lstat has whole seconds, so that second is hashed too.
use strict;
use warnings;
use Digest::SHA ();
use Fcntl ':mode';

my $since = int shift @ARGV;
my %types = (
    S_IFREG() => "file", S_IFDIR() => "directory", S_IFLNK() => "symlink", S_IFSOCK() => "socket",
    S_IFIFO() => "fifo", S_IFCHR() => "device", S_IFBLK() => "device",
);
binmode STDOUT;

sub hash_of {
    my ($path) = @_;
    my $digest = Digest::SHA->new(256);
    # Gone or changed between looking and reading: the caller sees a moving tree.
    return eval { $digest->addfile($path, "b"); $digest->hexdigest } // "unreadable";
}

sub show {
    my ($path, $mode, $uid, $gid, $ctime) = @_;
    my $type = $types{ S_IFMT($mode) } // "other";
    my $hash = $type eq "file" && $ctime >= $since ? hash_of($path) : "-";
    my $target = $type eq "symlink" ? readlink($path) // "" : "";
    printf "%s %04o %d %d %s\0%s\0%s\0", $type, S_IMODE($mode), $uid, $gid, $hash, $path, $target;
}

my $device = (lstat "/")[0];
my @folders = ("");
show("/", (lstat "/")[2, 4, 5, 10]);
while (defined(my $folder = shift @folders)) {
    opendir(my $handle, "$folder/") or next;
    for my $name (readdir $handle) {
        next if $name eq "." || $name eq "..";
        my $path = "$folder/$name";
        my @stat = lstat $path or next;
        # Only a folder tells on which file system it is: files of an overlay's lower layers keep
        # their own device number.
        next if S_ISDIR($stat[2]) && $stat[0] != $device;
        show($path, @stat[2, 4, 5, 10]);
        push @folders, $path if S_ISDIR($stat[2]);
    }
}
