# Process 1 of an imitated machine: runs /etc/rc and sshd(8), collects what ends, and ends the machine when
# shutdown(8) asks it to: SIGUSR2 switches it off, SIGINT starts it anew. /etc/rc is left out where the kernel's
# command line has "without-rc".
use strict;
use warnings;
use POSIX qw(:sys_wait_h);

$0 = "init";
chdir "/";
umask 022;
%ENV = (PATH => "/sbin:/bin:/usr/sbin:/usr/bin", HOME => "/", TERM => "dumb");

# sync(2) and reboot(2) of Linux: their numbers on amd64, the two magic numbers of reboot, and what it is to do.
my ($sync, $reboot, @magic) = (162, 169, 0xfee1dead, 0x28121969);
my %order = (USR2 => 0x4321fedc, INT => 0x01234567);
my $asked;
for my $signal (keys %order) {
    $SIG{$signal} = sub { $asked = $signal };
}

sub start {
    my (@argv) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    $SIG{$_} = "DEFAULT" for keys %order;
    POSIX::setsid();
    exec @argv or POSIX::_exit(127);
}

# A machine of which only sshd(8) is wanted is there sooner.
open(my $line, "<", "/proc/cmdline") or die "/proc/cmdline: $!";
my $bare = <$line> =~ /\bwithout-rc\b/;
close $line;
waitpid(start("/bin/sh", "/etc/rc"), 0) unless $bare;
# As many open files as root's login class has (docs/openbsd.md 11).
start("/bin/sh", "-c", "ulimit -Sn 128; ulimit -Hn 1024; exec /usr/sbin/sshd -D");
print "up\n";
until ($asked) {
    # A signal that comes between the question and the sleep is seen when the sleep is over.
    select undef, undef, undef, 0.2;
    1 while waitpid(-1, WNOHANG) > 0;
}
waitpid(start("/bin/sh", "/etc/rc", "shutdown"), 0) unless $bare;
kill "TERM", -1;
my $deadline = time + 3;
while (time < $deadline && waitpid(-1, WNOHANG) >= 0) {
    select undef, undef, undef, 0.05;
}
kill "KILL", -1;
syscall($sync);
syscall($reboot, @magic, $order{$asked}, 0);
