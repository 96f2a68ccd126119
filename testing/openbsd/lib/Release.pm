package Release;

# What this host's release does differently, from release.conf: one `key=value` a line, `#` comments.
# The tools have one implementation each and ask here; a test of a fact that is unconfirmed turns a
# key the other way by editing the file in its own host.

use strict;
use warnings;

our $FILE = '/usr/libdata/testhost/release.conf';

my $values;

sub value {
    my ($key) = @_;
    $values ||= read_file($FILE);
    die "$FILE: no such key: $key\n" unless exists $values->{$key};
    return $values->{$key};
}

# `yes` or `no`; anything else is a mistake in the file.
sub has {
    my ($key) = @_;
    my $value = value($key);
    return 1 if $value eq 'yes';
    return 0 if $value eq 'no';
    die "$FILE: $key must be yes or no, not \"$value\"\n";
}

sub read_file {
    my ($file) = @_;
    my %found;
    open my $in, '<', $file or die "$file: $!\n";
    while (my $line = <$in>) {
        next if $line =~ /^\s*(?:#|$)/;
        $line =~ /^(\w+)=(.*)$/ or die "$file: line $.: not key=value\n";
        $found{$1} = $2;
    }
    close $in;
    return \%found;
}

1;
