package Daemon;

# What the daemons of the host that are written in Perl have in common.

use strict;
use warnings;
use POSIX ();

# Goes on in a process of its own, without a terminal, and writes down its number.
sub detach {
    my ($pid_file) = @_;
    my $pid = fork // die "fork: $!\n";
    if ($pid) { POSIX::_exit(0) }
    POSIX::setsid();
    chdir '/';
    open STDIN,  '<', '/dev/null';
    open STDOUT, '>', '/dev/null';
    open STDERR, '>', '/dev/null';
    if (open my $out, '>', $pid_file) { print {$out} "$$\n" }
    return;
}

# Perl sets the short name together with the title; pgrep -x wants the program's name there.
sub title {
    my ($name, $title) = @_;
    $0 = $title;
    if (open my $comm, '>', '/proc/self/comm') { print {$comm} $name }
    return;
}

1;
