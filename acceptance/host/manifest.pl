# Prints what stands below the folders that are named, crossing into other file systems: a real OpenBSD has /usr and
# /var on their own. Called as
#
#   perl - FOLDER,... CONTENTS,... LEFT-OUT,...
#
# with folders to list, folders below which the contents of files are hashed, and paths to leave out, all absolute. A
# record is three texts, each ended by a NUL, which no path can hold:
#
#   TYPE MODE UID GID SHA256-OR-DASH CTIME    PATH    LINK-TARGET
use strict;
use warnings;
use Digest::SHA ();
use Fcntl ':mode';

# A larger file is compared by its size: nothing that this package writes is larger.
my $largest = 64 * 1024 * 1024;

my ($folders, $contents, $left_out) = map { [split /,/, $_] } @ARGV;
my %left_out = map { $_ => 1 } @$left_out;
my $hashed = join '|', map { quotemeta } @$contents;
my %types = (
    S_IFREG() => "file", S_IFDIR() => "directory", S_IFLNK() => "symlink", S_IFSOCK() => "socket",
    S_IFIFO() => "fifo", S_IFCHR() => "device", S_IFBLK() => "device",
);
binmode STDOUT;

sub hash_of {
    my ($path, $size) = @_;
    return "size:$size" if $size > $largest;
    # Gone or changed between looking and reading: the caller sees a moving tree.
    my $hash = eval { Digest::SHA->new(256)->addfile($path, "b")->hexdigest };
    return defined $hash ? $hash : "unreadable";
}

sub show {
    my ($path, @stat) = @_;
    my ($mode, $uid, $gid, $size, $ctime) = @stat[2, 4, 5, 7, 10];
    my $type = $types{ S_IFMT($mode) } || "other";
    my $hash = $type eq "file" && $path =~ m{\A(?:$hashed)(?:/|\z)} ? hash_of($path, $size) : "-";
    my $target = $type eq "symlink" ? readlink($path) : "";
    $target = "" unless defined $target;
    printf "%s %04o %d %d %s %d\0%s\0%s\0", $type, S_IMODE($mode), $uid, $gid, $hash, $ctime, $path, $target;
}

my @open = @$folders;
while (defined(my $folder = shift @open)) {
    opendir(my $handle, "$folder/") or next;
    for my $name (readdir $handle) {
        next if $name eq "." || $name eq "..";
        my $path = "$folder/$name";
        next if $left_out{$path};
        my @stat = lstat $path or next;
        show($path, @stat);
        push @open, $path if S_ISDIR($stat[2]);
    }
    closedir $handle;
}
