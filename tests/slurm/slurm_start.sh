# slurm_start.sh - a Slurm of one machine in a folder of its own; to be sourced.
#
#   slurm_start DIR    munged, slurmctld, slurmd; sets SLURM_CONF
#   slurm_node DIR     slurmd alone, again
#   slurm_stop DIR     all of it
#
# Packages slurm-wlm and munge, as root.  Ports, sockets and folders are its
# own, so that it stands beside a Slurm of the machine.  No control groups, no
# accounting.  cred_expire shortens the two minutes a requeued job waits.

slurm_conf() { # slurm_conf DIR
    host=$(hostname -s)
    port=$((20000 + $$ % 10000 * 2))
    cat <<CONF
ClusterName=qlawtest
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket=$1/munge.sock,cred_expire=5
StateSaveLocation=$1/state
SlurmdSpoolDir=$1/spool
SlurmctldPidFile=$1/slurmctld.pid
SlurmdPidFile=$1/slurmd.pid
SlurmctldLogFile=$1/slurmctld.log
SlurmdLogFile=$1/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=10000
MpiDefault=none
ReturnToService=2
MaxArraySize=6
KillWait=5
NodeName=qnode NodeHostname=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes=qnode Default=YES MaxTime=INFINITE State=UP
CONF
}

slurm_node() { # slurm_node DIR
    slurmd -N qnode -f "$1/slurm.conf" 2>>"$1/start.log" || return 1
    for i in $(seq 100); do
        sinfo -h -o %T 2>/dev/null | grep -qE 'idle|mixed|alloc' && return 0
        sleep 0.3
    done
    return 1
}

slurm_start() { # slurm_start DIR
    mkdir -p "$1/state" "$1/spool"
    dd if=/dev/urandom of="$1/key" bs=1024 count=1 2>/dev/null
    chmod 400 "$1/key"
    slurm_conf "$1" >"$1/slurm.conf"
    SLURM_CONF=$1/slurm.conf
    export SLURM_CONF
    munged --force --key-file="$1/key" --socket="$1/munge.sock" \
        --pid-file="$1/munged.pid" --log-file="$1/munged.log" \
        --seed-file="$1/seed" 2>>"$1/start.log" || return 1
    slurmctld -c -f "$1/slurm.conf" 2>>"$1/start.log" || return 1
    slurm_node "$1"
}

slurm_stop() { # slurm_stop DIR
    scancel --user="$(id -un)" 2>/dev/null || :
    for daemon in slurmd slurmctld munged; do
        if [ -s "$1/$daemon.pid" ]; then
            kill "$(cat "$1/$daemon.pid")" 2>/dev/null || :
        fi
    done
    for i in $(seq 50); do
        [ -e "$1/slurmd.pid" ] || [ -e "$1/slurmctld.pid" ] || break
        sleep 0.1
    done
}
