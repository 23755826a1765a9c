import { Command } from 'commander';
import { auditCertificatesCommand } from './certificates-audit.js';
import { listCertificatesCommand } from './certificates-list.js';
import { rotateCertificatesCommand } from './certificates-rotate.js';

/** `mooring certificates …` */
export function certificatesCommand(): Command {
  return new Command('certificates')
    .description("the devices' certificates: when they expire, and their rotation")
    .addCommand(listCertificatesCommand(), { isDefault: true })
    .addCommand(rotateCertificatesCommand())
    .addCommand(auditCertificatesCommand());
}
