#!/usr/bin/perl
# The page server of app.py in Perl, with DBD::mysql:
#
#     app.pl HOST PORT REQUESTS [PREFIX [PAUSE_MS]]
use strict;
use warnings;
use DBI;
use JSON::PP;
use Time::HiRes qw(time sleep);

my ($host, $port, $requests, $prefix, $pause_ms) = @ARGV;
$prefix   //= 'page';
$pause_ms //= 0;
my $keys        = 2000;
my $per_request = 30;

my $where = $host =~ m{^/} ? "mysql_socket=$host" : "host=$host;port=$port";
my $db    = DBI->connect("dbi:mysql:database=shop;$where", 'app', 'apppw', { RaiseError => 1, PrintError => 0 });

my %times = (replaces => [], selects => [], commit => [], request => []);
my %latest;
my ($wrong, $written_at, $last_key) = (0, 0, '');
for (1 .. $requests) {
    sleep $pause_ms / 1000;
    my @updates = map { ["$prefix:" . int(rand $keys), join '', map { chr(97 + int rand 26) } 1 .. 200] } 1 .. $per_request;
    my $start   = time;
    for (@updates) {
        $db->do('REPLACE INTO cache (k, v) VALUES (?, ?)', undef, @$_);
        $last_key = $_->[0];
        $latest{$last_key} = $_->[1];
    }
    my $replaced = $written_at = time;
    for (@updates) {
        my ($value) = $db->selectrow_array('SELECT v FROM cache WHERE k = ?', undef, $_->[0]);
        $wrong++ if !defined $value || $value ne $latest{ $_->[0] };
    }
    my $end = time;
    push @{ $times{replaces} }, $replaced - $start;
    push @{ $times{selects} },  $end - $replaced;
    push @{ $times{commit} },   0;
    push @{ $times{request} },  $end - $start;
}

$| = 1;
print encode_json({
    times => \%times, keys => scalar keys %latest, wrong => $wrong, written_at => $written_at,
    last_key => $last_key, last_value => $latest{$last_key},
}), "\n";
