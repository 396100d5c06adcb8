# What requests.py does, through DBD::mysql: requests.pl WORKER UNTIL
use strict;
use warnings;
use DBI;
use JSON::PP;
use Time::HiRes qw(time);

my ($name, $until) = @ARGV;
my %counts = (statements => 0, errors => [], wrong => [], misses => 0, older => 0, longest_s => 0.0);
my (%latest, $dbh);
my $orders = 0;

sub connect_ {
    $dbh = DBI->connect("DBI:mysql:database=shop;mysql_socket=$ENV{MAIN_SOCKET}", 'app', 'apppw', { RaiseError => 1, PrintError => 0, AutoCommit => 1 });
}
sub timed {
    my ($code) = @_;
    my $started = time;
    my @result = eval { $code->() };
    my $error = $@;
    my $took = time - $started;
    $counts{statements}++;
    $counts{longest_s} = $took if $took > $counts{longest_s};
    die $error if $error;
    return $result[0];
}
sub say_ { my ($sql, @values) = @_; return timed(sub { $dbh->do($sql, undef, @values) }); }
sub rows { my ($sql, @values) = @_; return timed(sub { $dbh->selectall_arrayref($sql, undef, @values) }); }
sub wrong { push @{$counts{wrong}}, $_[0]; }

sub put {
    my $affected = say_('REPLACE INTO cache (k, v) VALUES (?, ?)', @_);
    wrong("REPLACE affected $affected rows") unless $affected == 1 || $affected == 2;
}
sub value { my ($i) = @_; return "$name $i " . 'x' x ($i * 37 % 4000); }
sub is_ours {
    my ($key, $value) = @_;
    my ($i) = $value =~ /^\Q$name\E (\d+) / or return 0;
    my ($last) = $latest{$key} =~ /^\Q$name\E (\d+) /;
    return $i > 0 && $i <= $last && $key eq "$name/" . $i % 40 && ($value eq value($i) || ($i % 11 == 0 && $value eq value($i) . ' kept'));
}
sub look {
    my ($key) = @_;
    my $rows = rows('SELECT k, v FROM cache WHERE k = ?', $key);
    my $value = @$rows ? $rows->[0][1] : undef;
    if (!defined $value) { $counts{misses}++; }
    elsif (@$rows != 1 || $rows->[0][0] ne $key || !is_ours($key, $value)) { wrong("$key is " . substr $value, 0, 40); }
    elsif ($value ne $latest{$key}) { $counts{older}++; }
}
sub order { say_('INSERT INTO orders (v) VALUES (?)', $name); $orders++; }

sub request {
    my ($i) = @_;
    my $key = "$name/" . $i % 40;
    my $value = $latest{$key} = value($i);
    put($key, $value);
    look($key);
    if ($i % 5 == 0) {
        order();
        my $count = rows('SELECT COUNT(*) FROM orders WHERE v = ?', $name)->[0][0];
        wrong("$count orders, $orders were inserted") if $count != $orders;
    }
    if ($i % 7 == 0) {
        $dbh->begin_work;
        put($key, "$value undone");
        say_('INSERT INTO orders (v) VALUES (?)', $name);
        timed(sub { $dbh->rollback });
        look($key);
    }
    if ($i % 11 == 0) {
        $dbh->begin_work;
        put($key, "$value kept");
        $latest{$key} = "$value kept";
        order();
        timed(sub { $dbh->commit });
        look($key);
    }
    if ($i % 13 == 0) {
        eval { say_("INSERT INTO orders (id, v) VALUES (1, 'again')"); wrong('a duplicate key was inserted'); };
        die $@ if $@ && $dbh->err != 1062;
    }
}

connect_();
for (my $i = 1; !-e $until; $i++) {
    next if eval { request($i); 1 };
    push @{$counts{errors}}, "$@";
    eval { connect_(); 1 } or push @{$counts{errors}}, "$@";
}
print JSON::PP->new->encode(\%counts), "\n";
