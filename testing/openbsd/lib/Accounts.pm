package Accounts;

# Users and groups in the files that matter on the test host: master.passwd and passwd as OpenBSD has
# them, shadow because Debian's C library asks it, and group. Edits replace a file in one step and
# leave no backup behind.

use strict;
use warnings;

our %FILE = (
    master => ['/etc/master.passwd', 0600],
    passwd => ['/etc/passwd',        0644],
    shadow => ['/etc/shadow',        0600],
    group  => ['/etc/group',         0644],
);

sub lines {
    my ($which) = @_;
    open my $in, '<', $FILE{$which}[0] or die "$FILE{$which}[0]: $!\n";
    my @lines = <$in>;
    return @lines;
}

sub replace {
    my ($which, @lines) = @_;
    my ($path, $mode) = @{ $FILE{$which} };
    my $new = "$path.new";
    open my $out, '>', $new or die "$new: $!\n";
    print {$out} @lines;
    close $out or die "$new: $!\n";
    chmod $mode, $new;
    rename $new, $path or die "$path: $!\n";
}

# user(8) writes a new line at the end, but before what comes from YP.
sub insert {
    my ($which, $line) = @_;
    my @lines = lines($which);
    my ($at) = grep { $lines[$_] =~ /^\+/ } 0 .. $#lines;
    splice @lines, $at // scalar @lines, 0, $line;
    replace($which, @lines);
}

sub remove {
    my ($which, $name) = @_;
    replace($which, grep { !/^\Q$name\E:/ } lines($which));
}

sub has {
    my ($which, $name) = @_;
    return scalar grep { /^\Q$name\E:/ } lines($which);
}

sub add_group {
    my ($name, $gid) = @_;
    insert('group', "$name:*:$gid:\n");
}

sub add_user {
    my (%user) = @_;
    my $class = $user{class} // '';
    my $password = $user{password} // '*' x 13;
    insert('master',
        "$user{name}:$password:$user{uid}:$user{gid}:$class:0:0:$user{gecos}:$user{home}:$user{shell}\n");
    insert('passwd', "$user{name}:*:$user{uid}:$user{gid}:$user{gecos}:$user{home}:$user{shell}\n");
    replace('shadow', lines('shadow'), "$user{name}:*:::::::\n");
}

# What userdel does with an account that is to be kept: no password, and no shell.
sub lock_user {
    my ($name) = @_;
    my $stars = '*' x 13;
    replace('master', map { s/^(\Q$name\E):[^:]*:/$1:$stars:/; s{^(\Q$name\E:.*:)[^:]*$}{$1/sbin/nologin\n}s; $_ }
            lines('master'));
    replace('passwd', map { s{^(\Q$name\E:.*:)[^:]*$}{$1/sbin/nologin\n}s; $_ } lines('passwd'));
}

sub remove_user {
    my ($name) = @_;
    remove($_, $name) for qw(master passwd shadow);
    # Nobody stays a member under a name that is gone.
    replace('group', map {
        my ($group, $password, $gid, $members) = split /:/, $_, 4;
        chomp $members;
        join(':', $group, $password, $gid,
            join ',', grep { $_ ne $name } split /,/, $members) . "\n";
    } lines('group'));
}

1;
