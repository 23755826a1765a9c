import { Command } from 'commander';
import { listCertificatesCommand } from './certificates-list.js';

/** `mooring certificates …` */
export function certificatesCommand(): Command {
  return new Command('certificates')
    .description("the devices' certificates: when they expire, and their rotation")
    .addCommand(listCertificatesCommand(), { isDefault: true });
}
