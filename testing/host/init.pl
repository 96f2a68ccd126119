# Process 1 of a running test host: puts the keys in place, boots by running /etc/rc, collects
# what ends, and does what its keeper says, one line each:
#
#   {"files": [...], "keys": [...]}   first: files to write, users whose key to authorise
#   reboot NUMBER                     end every process and boot again on the same tree
#   halt                              end every process, then itself
#
# It says "down" before it ends every process, and "up STATUS NUMBER" after each boot, with the number
# of the last reboot that it was asked for by then, or 0. When the keeper's end of the line closes, for
# whatever reason, it ends, and the kernel ends everything else in the namespace with it.
#
# Two signals ask for a reboot from inside, which the keeper has not asked for: SIGINT runs
# `/etc/rc shutdown` first, as init(8) does, and SIGQUIT, which is not init(8)'s, stands for reboot(2).
#
# Its title is "init SECONDS": when the host booted, which sysctl(8) reads there.
use strict;
use warnings;
use Errno ();
use Fcntl qw(F_SETFD FD_CLOEXEC);
use JSON::PP ();
use POSIX qw(:sys_wait_h);
use Socket;

# Not to be found by a pgrep -f that looks for something in this text, until the first boot gives it its title.
$0 = "init";
$| = 1;
open(my $console, ">>&=", 4) or die "console: $!";
fcntl($console, F_SETFD, FD_CLOEXEC);
POSIX::close(5);
chdir "/";
umask 022;
%ENV = (PATH => "/sbin:/bin:/usr/sbin:/usr/bin", HOME => "/", TERM => "dumb");

sub loopback_up {
    socket(my $socket, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
    # OpenBSD calls it lo0, which smtpd.conf(5) names. After a reboot it has that name already.
    my $request = pack("a16 a16 x8", "lo", "lo0");
    ioctl($socket, 0x8923, $request) or $!{ENODEV} or die "SIOCSIFNAME: $!";
    $request = pack("a16 s x22", "lo0", 0);
    ioctl($socket, 0x8913, $request) or die "SIOCGIFFLAGS: $!";
    my (undef, $flags) = unpack("a16 s", $request);
    $request = pack("a16 s x22", "lo0", $flags | 1);
    ioctl($socket, 0x8914, $request) or die "SIOCSIFFLAGS: $!";
}

sub write_file {
    my ($path, $mode, $uid, $gid, $text) = @_;
    sysopen(my $file, $path, POSIX::O_WRONLY | POSIX::O_CREAT | POSIX::O_TRUNC, $mode)
        or die "$path: $!";
    print {$file} $text;
    close($file) or die "$path: $!";
    chown($uid, $gid, $path);
    chmod($mode, $path);
}

sub seed {
    my ($seed) = @_;
    write_file($_->{path}, oct $_->{mode}, 0, 0, $_->{text}) for @{ $seed->{files} };
    for my $user (@{ $seed->{users} }) {
        my ($uid, $gid, $home) = (getpwnam $user)[2, 3, 7];
        next unless defined $home && -d $home;
        if (!-d "$home/.ssh") {
            mkdir "$home/.ssh";
            chown($uid, $gid, "$home/.ssh");
            chmod(0700, "$home/.ssh");
        }
        write_file("$home/.ssh/authorized_keys", 0600, $uid, $gid, "$seed->{key}\n");
    }
}

sub run_rc {
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    $SIG{$_} = "DEFAULT" for qw(CHLD INT PIPE QUIT);
    POSIX::setsid();
    open(STDIN, "<", "/dev/null");
    open(STDOUT, ">&", $console);
    open(STDERR, ">&", $console);
    exec "/bin/sh", "/etc/rc", @_ or POSIX::_exit(127);
}

my $rc = 0;
my $booted = 0;

sub boot {
    # Whole seconds are all that a title and sysctl(8) show, and no two boots are the same one.
    $booted = time > $booted ? time : $booted + 1;
    $0 = "init $booted";
    $rc = run_rc();
}

# Everything ends: first asked to, then made to.
sub halt {
    print "down\n";
    kill "TERM", -1;
    my $deadline = time + 3;
    while (time < $deadline) {
        my $pid = waitpid(-1, WNOHANG);
        last if $pid < 0;
        select(undef, undef, undef, 0.01) if $pid == 0;
    }
    kill "KILL", -1;
    1 while waitpid(-1, 0) > 0;
    unlink "/dev/log";
}

pipe(my $wake, my $waker) or die "pipe: $!";
$waker->blocking(0);
$wake->blocking(0);
# Whether everything is to end now; whether `/etc/rc shutdown` is wanted before, and its process.
my ($reboot, $shutdown, $closing) = (0, 0, 0);
my $order = 0;
$SIG{CHLD} = sub { syswrite $waker, "c" };
$SIG{INT} = sub { $shutdown = 1; syswrite $waker, "i" };
$SIG{QUIT} = sub { $reboot = 1; syswrite $waker, "q" };
$SIG{PIPE} = "IGNORE";

loopback_up();
my $input = "";
my $seeded = 0;
while (1) {
    my $ready = "";
    vec($ready, fileno(STDIN), 1) = 1;
    vec($ready, fileno($wake), 1) = 1;
    next if select($ready, undef, undef, undef) < 0;
    if (vec($ready, fileno($wake), 1)) {
        sysread $wake, my $ignored, 4096;
    }
    if (vec($ready, fileno(STDIN), 1)) {
        my $count = sysread STDIN, $input, 65536, length $input;
        POSIX::_exit(0) if defined $count && $count == 0;
        while ($input =~ s/^([^\n]*)\n//) {
            if (!$seeded) {
                seed(JSON::PP->new->utf8->decode($1));
                $seeded = 1;
                boot();
            }
            elsif ($1 =~ /^reboot (\d+)$/) {
                $order = $1;
                $reboot = 1;
            }
            elsif ($1 eq "halt") {
                halt();
                POSIX::_exit(0);
            }
        }
    }
    if ($shutdown && !$closing) {
        $closing = run_rc("shutdown");
    }
    while ((my $pid = waitpid(-1, WNOHANG)) > 0) {
        if ($pid == $rc) {
            my $status = WIFEXITED($?) ? WEXITSTATUS($?) : 128 + ($? & 127);
            $rc = 0;
            print "up $status $order\n";
        }
        $reboot = 1 if $pid == $closing;
    }
    if ($reboot) {
        halt();
        # Whoever asked meanwhile has ended with all others.
        ($reboot, $shutdown, $closing) = (0, 0, 0);
        boot();
    }
}
