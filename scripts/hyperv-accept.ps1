# SPDX-License-Identifier: GPL-3.0-or-later

<#
.SYNOPSIS
Boots an image on this Hyper-V host, in machines of both generations, and says what worked.

.DESCRIPTION
The acceptance run that needs a real Hyper-V host, which hvimg's own tests do not have. For each generation it makes a
differencing disk over the image (which is never written: its SHA-256 is compared at the end), a virtual machine with
that disk, starts it and waits for the guest's heartbeat and for its KVP data. The generation 2 machine has Secure Boot
on, with the template MicrosoftUEFICertificateAuthority. Machines and their disks are removed at the end, whatever
happened.

A heartbeat comes from hv_utils, a driver on the guest's root file system (or from the integration services of a
Windows guest). So it shows that the guest found its root disk, which it can do over VMBus only.

KVP data comes from a daemon (Debian: hyperv-daemons) that the guest may lack. Without -RequireKvp its absence is
noted and is no failure.

The result is one JSON document, in OutFile, or on the output without it:

    {"schema":1, "passed":bool, "image":{"path","sha256"}, "host":{"name","os","version"},
     "steps":[{"generation":0|1|2, "step":NAME, "result":"pass|fail|skip|note", "text", "seconds"}]}

Generation 0 stands for steps on the image itself. Consoles (COM1) are kept beside OutFile, as OutFile.gen1.console and
OutFile.gen2.console.

The exit status is 0 when every step passed, else 1.

.PARAMETER Image
The VHDX or VHD. A VHD is tried with generation 1 only: generation 2 takes VHDX. It may be neither compressed nor sparse
on the host.

.PARAMETER SwitchName
The virtual switch to connect to. Without it the machines have no network.

.PARAMETER OutFile
Where the JSON goes.

.PARAMETER Generation
Which generations to try; both by default.

.PARAMETER TimeoutSeconds
How long one guest may take to its first heartbeat, and again to its KVP data.

.PARAMETER WorkFolder
Where machines and differencing disks are made, in a folder of their own. A folder that Hyper-V can write.

.PARAMETER RequireKvp
Absent KVP data is a failure.

.EXAMPLE
.\hyperv-accept.ps1 -Image C:\images\debian.vhdx -SwitchName 'Default Switch' -OutFile C:\images\debian.json

.EXAMPLE
.\hyperv-accept.ps1 -Image D:\images\old.vhd -Generation 1 | ConvertFrom-Json | Select-Object -ExpandProperty steps
#>

#Requires -Version 5.1
#Requires -Modules Hyper-V
#Requires -RunAsAdministrator

[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)]
    [ValidateScript({ Test-Path -LiteralPath $_ -PathType Leaf })]
    [string] $Image,

    [string] $SwitchName,

    [string] $OutFile,

    [ValidateSet(1, 2)]
    [int[]] $Generation = @(1, 2),

    [ValidateRange(10, 3600)]
    [int] $TimeoutSeconds = 300,

    [string] $WorkFolder = [IO.Path]::GetTempPath(),

    [switch] $RequireKvp
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$script:steps = New-Object 'System.Collections.Generic.List[object]'

function Add-Step([int] $Generation, [string] $Step, [string] $Result, [string] $Text, [double] $Seconds = 0) {
    $script:steps.Add([ordered]@{
            generation = $Generation
            step       = $Step
            result     = $Result
            text       = $Text
            seconds    = [Math]::Round($Seconds, 1)
        })
    Write-Verbose "generation ${Generation}: ${Step}: ${Result} ${Text}"
}

# Runs one step, whose output becomes the text; an exception fails it. Returns whether it passed.
function Invoke-Step([int] $Generation, [string] $Step, [scriptblock] $Action) {
    $clock = [Diagnostics.Stopwatch]::StartNew()
    try {
        $text = (& $Action | Out-String).Trim()
        Add-Step $Generation $Step 'pass' $text $clock.Elapsed.TotalSeconds
        return $true
    }
    catch {
        Add-Step $Generation $Step 'fail' $_.Exception.Message $clock.Elapsed.TotalSeconds
        return $false
    }
}

# Asks every two seconds until there is an answer, and returns it; null when time runs out.
function Wait-Until([scriptblock] $Question) {
    $clock = [Diagnostics.Stopwatch]::StartNew()
    while ($clock.Elapsed.TotalSeconds -lt $TimeoutSeconds) {
        $answer = & $Question
        if ($answer) { return $answer }
        Start-Sleep -Seconds 2
    }
    return $null
}

# Copies what the guest writes to COM1 into a file, in the background, until the job is stopped.
function Start-Console([string] $Pipe, [string] $Path) {
    Start-Job -ArgumentList $Pipe, $Path -ScriptBlock {
        param($Pipe, $Path)
        $file = [IO.File]::Open($Path, 'Create', 'Write', 'ReadWrite')
        $buffer = New-Object byte[] 4096
        while ($true) {
            $stream = New-Object IO.Pipes.NamedPipeClientStream('.', $Pipe, [IO.Pipes.PipeDirection]::InOut)
            try {
                $stream.Connect(1000)
                while (($count = $stream.Read($buffer, 0, $buffer.Length)) -gt 0) {
                    $file.Write($buffer, 0, $count)
                    $file.Flush()
                }
            }
            catch {
                Start-Sleep -Milliseconds 200
            }
            finally {
                $stream.Dispose()
            }
        }
    }
}

# What the guest's KVP daemon reports, as a table; null when it reports nothing.
function Get-KvpData([Guid] $Id) {
    $system = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName 'Msvm_ComputerSystem' -Filter "Name='$Id'"
    if (-not $system) { return $null }
    $component = Get-CimAssociatedInstance -InputObject $system -ResultClassName 'Msvm_KvpExchangeComponent'
    if (-not $component -or -not $component.GuestIntrinsicExchangeItems) { return $null }
    $data = [ordered]@{}
    foreach ($item in $component.GuestIntrinsicExchangeItems) {
        $xml = [xml] $item
        $name = $xml.SelectSingleNode("/INSTANCE/PROPERTY[@NAME='Name']/VALUE")
        $value = $xml.SelectSingleNode("/INSTANCE/PROPERTY[@NAME='Data']/VALUE")
        if ($name -and $value) { $data[$name.InnerText] = $value.InnerText }
    }
    if ($data.Count -eq 0) { return $null }
    return $data
}

function New-TestMachine([string] $Name, [int] $Generation, [string] $Disk, [string] $Folder) {
    $arguments = @{
        Name               = $Name
        Generation         = $Generation
        MemoryStartupBytes = 1GB
        VHDPath            = $Disk
        Path               = $Folder
    }
    if ($SwitchName) { $arguments.SwitchName = $SwitchName }
    $vm = New-VM @arguments
    Set-VM -VM $vm -StaticMemory -ProcessorCount 2 -AutomaticStartAction Nothing -AutomaticStopAction TurnOff
    # Later than the first hosts that this runs on, and the default only on clients.
    if ((Get-Command Set-VM).Parameters.ContainsKey('AutomaticCheckpointsEnabled')) {
        Set-VM -VM $vm -AutomaticCheckpointsEnabled $false
    }
    Set-VMComPort -VM $vm -Number 1 -Path "\\.\pipe\$Name"
    if ($Generation -eq 2) {
        Set-VMFirmware -VM $vm -EnableSecureBoot On -SecureBootTemplate 'MicrosoftUEFICertificateAuthority' `
            -FirstBootDevice (Get-VMHardDiskDrive -VM $vm)
    }
    return $vm
}

function Wait-Heartbeat($Vm) {
    $beat = Wait-Until {
        $now = Get-VM -Id $Vm.Id
        if ($now.State -ne 'Running') { throw "the machine is $($now.State)" }
        if ("$($now.Heartbeat)" -like 'Ok*') { "$($now.Heartbeat)" }
    }
    if (-not $beat) { throw "no heartbeat within $TimeoutSeconds s" }
    return $beat
}

function Test-Kvp($Vm, [int] $Generation) {
    $clock = [Diagnostics.Stopwatch]::StartNew()
    try {
        $data = Wait-Until { Get-KvpData $Vm.Id }
        $text = 'no KVP data: is its daemon in the guest?'
    }
    catch {
        $data = $null
        $text = $_.Exception.Message
    }
    $result = 'note'
    if ($data) {
        $result = 'pass'
        $text = (@($data.Keys) | ForEach-Object { "$_=$($data[$_])" }) -join '; '
    }
    elseif ($RequireKvp) {
        $result = 'fail'
    }
    Add-Step $Generation 'kvp' $result $text $clock.Elapsed.TotalSeconds
}

function Remove-TestMachine($Vm) {
    if ((Get-VM -Id $Vm.Id).State -ne 'Off') { Stop-VM -VM $Vm -TurnOff -Force }
    Remove-VM -VM $Vm -Force
}

# The steps of one machine, in order; the first that fails ends them, and everything made is removed.
function Test-Generation([int] $Generation, [string] $Image) {
    $ending = [IO.Path]::GetExtension($Image).ToLowerInvariant()
    if ($Generation -eq 2 -and $ending -ne '.vhdx') {
        Add-Step 2 'disk' 'skip' "generation 2 takes VHDX, this is $ending"
        return
    }
    $name = 'hvimg-accept-gen{0}-{1}' -f $Generation, [Guid]::NewGuid().ToString('N').Substring(0, 8)
    $folder = Join-Path $WorkFolder $name
    $disk = Join-Path $folder "child$ending"
    $made = @{ Vm = $null; Console = $null }
    try {
        if (-not (Invoke-Step $Generation 'disk' {
                    $null = New-Item -ItemType Directory -Path $folder
                    $null = New-VHD -Path $disk -ParentPath $Image -Differencing
                    if (-not (Test-VHD -Path $disk)) { throw 'Test-VHD says that the differencing disk over it is not good' }
                })) { return }
        if (-not (Invoke-Step $Generation 'machine' {
                    $made.Vm = New-TestMachine $name $Generation $disk $folder
                })) { return }
        if ($OutFile) { $made.Console = Start-Console $name "$OutFile.gen$Generation.console" }
        if (-not (Invoke-Step $Generation 'start' { Start-VM -VM $made.Vm })) { return }
        if (-not (Invoke-Step $Generation 'heartbeat' { Wait-Heartbeat $made.Vm })) { return }
        Test-Kvp $made.Vm $Generation
        $adapters = @(Get-VMNetworkAdapter -VM $made.Vm |
                ForEach-Object { "$($_.Status -join ','): $($_.IPAddresses -join ' ')" })
        Add-Step $Generation 'network' 'note' ($adapters -join '; ')
        $null = Invoke-Step $Generation 'shutdown' {
            Stop-VM -VM $made.Vm -Force
            if ((Get-VM -Id $made.Vm.Id).State -ne 'Off') { throw 'the guest did not shut down when asked' }
        }
    }
    finally {
        $null = Invoke-Step $Generation 'cleanup' {
            # New-VM may have made it and a later setting failed.
            foreach ($vm in @(Get-VM | Where-Object Name -EQ $name)) { Remove-TestMachine $vm }
            if ($made.Console) {
                Stop-Job -Job $made.Console
                Remove-Job -Job $made.Console -Force
            }
            if (Test-Path -LiteralPath $folder) { Remove-Item -LiteralPath $folder -Recurse -Force }
        }
    }
}

$Image = (Resolve-Path -LiteralPath $Image).ProviderPath
# Windows PowerShell and .NET disagree on the current folder.
if ($OutFile) { $OutFile = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($OutFile) }
$before = (Get-FileHash -LiteralPath $Image -Algorithm SHA256).Hash

if (Invoke-Step 0 'test-vhd' {
        # It says what is wrong as a warning or error, depending on the version, and answers false.
        if (-not (Test-VHD -Path $Image -WarningAction SilentlyContinue)) { throw 'Test-VHD says the image is not good' }
        $vhd = Get-VHD -Path $Image
        "$($vhd.VhdFormat) $($vhd.VhdType), $($vhd.Size) bytes, sectors $($vhd.LogicalSectorSize)/$($vhd.PhysicalSectorSize)"
    }) {
    foreach ($number in ($Generation | Sort-Object -Unique)) { Test-Generation $number $Image }
}

$null = Invoke-Step 0 'unchanged' {
    $after = (Get-FileHash -LiteralPath $Image -Algorithm SHA256).Hash
    if ($after -ne $before) { throw "the image was $before and is now $after" }
}

$failed = @($script:steps | Where-Object { $_.result -eq 'fail' })
$system = Get-CimInstance -ClassName Win32_OperatingSystem
$document = [ordered]@{
    schema = 1
    passed = ($failed.Count -eq 0)
    image  = [ordered]@{ path = $Image; sha256 = $before.ToLowerInvariant() }
    host   = [ordered]@{ name = $system.CSName; os = $system.Caption; version = $system.Version }
    steps  = $script:steps.ToArray()
}
$json = $document | ConvertTo-Json -Depth 5
if ($OutFile) { [IO.File]::WriteAllText($OutFile, $json) } else { $json }
exit [int]($failed.Count -ne 0)
